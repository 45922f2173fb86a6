"""Request and response types. They validate requests, and the OpenAPI document is generated from them."""
