"""The REST API and the events: handlers parse requests, call the service, and respond."""
