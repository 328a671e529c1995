"""Transaction-cost analysis: what an order cost, why, and whether another policy would have paid less."""
