"""Reading and writing of results, so that a half-written file is never taken for one."""
