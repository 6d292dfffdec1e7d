"""The two checklists: enforcement items and service items."""
