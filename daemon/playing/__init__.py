"""What jamd plays: whose turn it is, what is planned, what is certain, and what goes out when."""
