"""What can be named in a table: methods, their settings, and how others add theirs."""
