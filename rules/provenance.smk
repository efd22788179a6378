"""Provenance: a crate that leads each table and figure back to what it was made from."""
