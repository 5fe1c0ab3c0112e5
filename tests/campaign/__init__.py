"""A randomised campaign: random faults at GALE, random kills, stops and signals at the program, then what must hold."""
