/** An application that embeds Heddle. */
module com.example.embedding {
    requires dev.heddle.planner;
}
