// größer
