"""From the files of a data set as shipped to canonical tables; one package per data set."""
