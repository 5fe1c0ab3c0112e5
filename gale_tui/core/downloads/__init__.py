"""One file: requested, received, resumed, verified, published under its name."""
