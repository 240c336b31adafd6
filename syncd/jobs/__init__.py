"""What syncd does, each as one job: pull, plan, apply, watch, sync; and the daemon that runs them as child processes.

The jobs bring the rooms below together: they open the store, construct connectors and hand pure values around.
"""
