"""The figures of the demo notebook."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

SLOW, FAST = "#4c72b0", "#dd8452"


def plot_distributions(patients, fast, columns):
    """One histogram a column, slow and fast progression laid over each other."""
    figure, axes = plt.subplots(1, len(columns), figsize=(2.6 * len(columns), 2.6), sharey=True)
    for axis, column in zip(axes, columns, strict=True):
        bins = np.histogram_bin_edges(patients[column], 18)
        axis.hist(patients.loc[~fast, column], bins, color=SLOW, alpha=0.6, label="slow")
        axis.hist(patients.loc[fast, column], bins, color=FAST, alpha=0.6, label="fast")
        axis.set_xlabel(column.replace("_", " "))
    axes[0].set_ylabel("patients")
    axes[0].legend(frameon=False)
    figure.tight_layout()
    return figure


def plot_importances(importance, names, top=8):
    """How much the score falls when a column is shuffled, the most important on top."""
    figure, axis = plt.subplots()
    order = np.argsort(importance.importances_mean)[-top:]
    axis.barh([names[i] for i in order], importance.importances_mean[order], color=SLOW)
    axis.errorbar(
        importance.importances_mean[order], range(top), xerr=importance.importances_std[order], fmt="none", ecolor="k"
    )
    axis.set_xlabel("loss of AUC when shuffled")
    figure.tight_layout()
    return figure


def plot_roc(models, X, y):
    """One ROC curve a model, on patients none of them has seen."""
    figure, axis = plt.subplots(figsize=(4.2, 4.2))
    for name, model in models.items():
        probability = model.predict_proba(X)[:, 1]
        false_alarms, found, _ = roc_curve(y, probability)
        axis.plot(false_alarms, found, label=f"{name} ({roc_auc_score(y, probability):.3f})")
    axis.plot([0, 1], [0, 1], color="0.7", linestyle=":")
    axis.set(xlabel="false alarms", ylabel="found", title="test patients")
    axis.legend(frameon=False)
    figure.tight_layout()
    return figure
