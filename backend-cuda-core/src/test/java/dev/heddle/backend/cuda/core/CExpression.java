package dev.heddle.backend.cuda.core;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Integer expressions of C: arithmetic, comparison, the conditional. */
final class CExpression {
    private static final Pattern TOKEN = Pattern.compile("\\s*(\\d+|\\w+|\\|\\||&&|[<>=!]=|[-+*/%<>?:()])");

    private final Matcher tokens;
    private final Map<String, Integer> names;
    private String token = "";

    private CExpression(String text, Map<String, Integer> names) {
        this.tokens = TOKEN.matcher(text);
        this.names = names;
        next();
    }

    static int value(String text, Map<String, Integer> names) {
        CExpression parser = new CExpression(text.strip(), names);
        int value = parser.conditional();
        if (!parser.token.isEmpty()) {
            throw new AssertionError("cannot read " + text + " from " + parser.token);
        }
        return value;
    }

    private void next() {
        token = tokens.lookingAt() ? tokens.group(1) : "";
        tokens.region(token.isEmpty() ? tokens.regionStart() : tokens.end(), tokens.regionEnd());
        if (token.isEmpty() && tokens.regionStart() < tokens.regionEnd()) {
            throw new AssertionError("cannot read an expression: " + tokens);
        }
    }

    private boolean take(String wanted) {
        if (token.equals(wanted)) {
            next();
            return true;
        }
        return false;
    }

    private int conditional() {
        int condition = binary(0);
        if (!take("?")) {
            return condition;
        }
        int yes = conditional();
        if (!take(":")) {
            throw new AssertionError("':' expected before " + token);
        }
        int no = conditional();
        return condition != 0 ? yes : no;
    }

    private static int rank(String operator) {
        return switch (operator) {
            case "||" -> 1;
            case "&&" -> 2;
            case "==", "!=" -> 3;
            case "<", ">", "<=", ">=" -> 4;
            case "+", "-" -> 5;
            case "*", "/", "%" -> 6;
            default -> 0;
        };
    }

    private int binary(int above) {
        int left = primary();
        while (rank(token) > above) {
            String operator = token;
            next();
            left = apply(operator, left, binary(rank(operator)));
        }
        return left;
    }

    private static int apply(String operator, int left, int right) {
        return switch (operator) {
            case "||" -> left != 0 || right != 0 ? 1 : 0;
            case "&&" -> left != 0 && right != 0 ? 1 : 0;
            case "==" -> left == right ? 1 : 0;
            case "!=" -> left != right ? 1 : 0;
            case "<" -> left < right ? 1 : 0;
            case ">" -> left > right ? 1 : 0;
            case "<=" -> left <= right ? 1 : 0;
            case ">=" -> left >= right ? 1 : 0;
            case "+" -> left + right;
            case "-" -> left - right;
            case "*" -> left * right;
            case "/" -> left / right;
            default -> left % right;
        };
    }

    private int primary() {
        if (take("(")) {
            int value = conditional();
            if (!take(")")) {
                throw new AssertionError("')' expected before " + token);
            }
            return value;
        }
        String name = token;
        next();
        if (name.matches("\\d+")) {
            return Integer.parseInt(name);
        }
        Integer value = names.get(name);
        if (value == null) {
            throw new AssertionError("decode.cu names " + name + ", which is not among " + names.keySet());
        }
        return value;
    }
}
