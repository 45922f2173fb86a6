"""What travels: requests are validated by these types, and the OpenAPI document is made of them."""
