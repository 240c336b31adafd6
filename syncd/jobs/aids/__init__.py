"""The jobs behind planning aids: they read the mirror or an export and make documents. They never write to a CRM."""
