"""The gate every order passes, its limits, the kill switch and the self-test."""
