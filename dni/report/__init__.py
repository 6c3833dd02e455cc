"""Reports: which source, keyword or publisher made the phone ring. One query layer for pages, API and CSV."""
