"""One machine's processes: the parent (`serve`), its workers, the embedded Valkey. No business rule."""
