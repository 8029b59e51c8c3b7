package dev.heddle.cli;

import dev.heddle.conformance.Budget;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a budget from the command line. */
final class BudgetConverter implements ITypeConverter<Budget> {
    @Override
    public Budget convert(String text) {
        try {
            return Budget.parse(text);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
