"""What other systems are told of calls: one file a destination, and what they are told from."""
