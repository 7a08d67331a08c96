package dev.nibble.cpu.op;

import static org.assertj.core.api.Assertions.assertThat;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** The choice of small experts by the weights of the experts they stand for. */
class ExpertRouterTest {
    @Test
    void groupsAreThoseOfTheBestExpertsWithTheWeightsAtTheirOwnNumbers() {
        ExpertRouter router = new ExpertRouter();
        router.reserve(6, 4);
        // the best of the first row are the experts 5 and 2, of the second 1 and 0
        float[] weights = {0.1f, 0.05f, 0.25f, 0.1f, 0.1f, 0.4f, 0.3f, 0.5f, 0.05f, 0.05f, 0.05f, 0.05f};
        router.routeGroups(weights, 2, 6, 2, 2);
        assertThat(router.active()).isEqualTo(3);
        assertThat(router.row(router.slot(0, 0))).isZero();
        // groups 2 and 1, whose numbers have the weights 0.25 and 0.05
        assertThat(router.weight(0, 0)).isCloseTo(0.25f / 0.3f, Offset.offset(1e-6f));
        assertThat(router.weight(0, 1)).isCloseTo(0.05f / 0.3f, Offset.offset(1e-6f));
        // group 0 twice
        assertThat(router.start(1) - router.start(0)).isEqualTo(2);
        assertThat(router.weight(1, 0)).isCloseTo(0.5f, Offset.offset(1e-6f));
        assertThat(router.weight(1, 1)).isCloseTo(0.5f, Offset.offset(1e-6f));
    }
}
