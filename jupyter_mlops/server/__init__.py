"""The REST surface and the events: handlers parse, call the service, and answer."""
