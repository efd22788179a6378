"""Tables, figures and the closing lines of a run, from metrics alone."""
