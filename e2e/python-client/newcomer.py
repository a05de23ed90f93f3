"""What somebody writes who has a fitted model and nothing else: the four lines are between the marks."""

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=1000).fit(X, y)

# --- from here
import muster

iris = muster.deploy(model, name="iris", sample=X.head())
print(iris.predict(X).tolist() == model.predict(X).tolist())
# --- to here
