"""The list of environments and the form for one."""
