"""Provenance: from each table and figure back to raw files, as a table and as an RO-Crate."""
