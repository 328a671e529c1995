"""The price-time book: state, kernels that apply messages, and views."""
