"""Settings for all unit tests."""

from hypothesis import HealthCheck, settings

# No test is about how fast the machine is: on a busy one hypothesis would take its slowness for a fault of the test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
