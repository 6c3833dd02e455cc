"""What happened, on disk: schema, migrations, engines. Stores of other rooms speak to the ledger through `engines`."""
