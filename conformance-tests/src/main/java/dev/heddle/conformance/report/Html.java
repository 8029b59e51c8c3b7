package dev.heddle.conformance.report;

/** Text of a page that grows; what is not written as markup is escaped. */
final class Html {
    private final StringBuilder text = new StringBuilder();

    /** Adds markup as it is; an argument for each {@code {}}, escaped. */
    Html add(String markup, Object... arguments) {
        int from = 0;
        for (Object argument : arguments) {
            int at = markup.indexOf("{}", from);
            text.append(markup, from, at).append(escape(String.valueOf(argument)));
            from = at + 2;
        }
        text.append(markup, from, markup.length()).append('\n');
        return this;
    }

    static String capital(String words) {
        return Character.toUpperCase(words.charAt(0)) + words.substring(1);
    }

    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;")
                .replace("'", "&#39;");
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
