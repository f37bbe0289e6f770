"""What devices say in messages of their own: JSON, packed bytes, LoRaWAN uplinks, times as text."""
