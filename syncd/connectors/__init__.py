"""The outside world: one folder a CRM behind one port, and the transport that all share."""
