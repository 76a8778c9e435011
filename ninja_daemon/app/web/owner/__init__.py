"""What only the owner sees of strategies and signals: pictures, evaluations, settings, why, and deliveries.

The pages that strangers may see as well lie one folder above.
"""
