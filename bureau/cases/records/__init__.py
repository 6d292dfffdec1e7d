"""What steps write into the records of a case: penalties, and corrections of what is locked."""
