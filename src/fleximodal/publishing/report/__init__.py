"""The pages for reading: claims, discrepancies, costs, model card, reporting checklists."""
