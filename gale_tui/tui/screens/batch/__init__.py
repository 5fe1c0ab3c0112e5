"""The screens of a batch: its list, one line, its report, the saved sets."""
