"""Report: pages for the reader beside the tables and figures."""
