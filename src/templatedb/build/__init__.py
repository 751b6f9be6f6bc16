"""The build: a parent that waits and a child process that migrates, behind redirect and guard."""
