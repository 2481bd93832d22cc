"""Settings for all unit tests."""

from hypothesis import HealthCheck, settings

# No test is about how fast the machine is: on a busy one hypothesis would take its slowness for a fault of the test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("soak", settings.get_profile("any machine"), max_examples=2000)  # chosen by make soak
settings.load_profile("any machine")
