"""The console: web pages for people who do not use a shell. They read, approve plans and take alerts; nothing more.

Every page shows a document that a command shows, too. Every action is a request that the daemon does, or the very job
that the command does. No page runs a script.
"""
