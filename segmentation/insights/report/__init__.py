"""The report: what there is to say of a publication, as a page and as text."""
