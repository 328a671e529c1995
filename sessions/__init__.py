"""What happened: session lifecycle, journal, audit, reports."""
