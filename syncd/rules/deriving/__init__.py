"""What facts are made of: field values read and normalised, opportunities, families."""
