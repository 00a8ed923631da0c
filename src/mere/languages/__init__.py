"""Operations on finished models: add a language, verify that the others are unchanged, export one, peft."""
