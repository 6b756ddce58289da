"""Looking into a network: what it makes of digits, and why."""
