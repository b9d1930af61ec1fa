"""What the assistant does: Rasa custom actions, one file a task. rasa-sdk loads them by package name; nothing imports them."""
