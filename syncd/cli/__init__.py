"""The commands: arguments in, text and exit codes out. The only room that prints and the only one that exits."""
