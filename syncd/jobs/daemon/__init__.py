"""The daemon: a small parent that schedules, answers the control socket and runs each job as a child process."""
