"""How Sluice is set up and deployed: tools of the checkout, no part of what is installed."""
