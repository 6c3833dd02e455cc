"""What is live: this process's connection to Redis or Valkey, and the scripts on it."""
