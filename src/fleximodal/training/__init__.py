"""One cell at a time: every split and seed of a method is trained and its predictions kept."""
