"""What other systems are told, and how: outbox and messages, endpoints and deliveries, one pure file each kind."""
